"""`faithful-se new`: a folder of tasks from anyone's data."""
