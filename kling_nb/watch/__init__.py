"""Following tasks to their end, in a thread of its own. Knows ``api``; knows no notebook."""
