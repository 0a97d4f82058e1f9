"""A file of problems that the browser sends: the field for it (`field`), and what is in it (`upload`)."""
