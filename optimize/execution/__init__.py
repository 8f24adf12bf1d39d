"""Where tasks are worked on: in this process, in worker processes, or on a Dask cluster, behind one interface."""
