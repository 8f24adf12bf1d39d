"""The explorer: a local web application over runs and studies, and the HTTP interface that it uses."""
