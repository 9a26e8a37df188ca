"""The zoom: a page in which every box opens, from modules to ops to single numbers."""
