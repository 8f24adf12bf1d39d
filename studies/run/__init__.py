"""Running a study of any kind: from the question to its answer, and the folder that keeps both."""
