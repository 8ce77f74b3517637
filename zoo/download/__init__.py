"""Downloads one file from mirrors and hosts: HTTP, local folders and fsspec, with resume and retries."""
