"""The stepper: both passes of a graph step by step, in Python, in a page, in the terminal."""
