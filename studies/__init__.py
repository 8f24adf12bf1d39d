"""Questions as files: named studies, their data, their runs and the command line."""
