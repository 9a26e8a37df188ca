"""The watcher: every backward pass drawn as it runs, and all of them in one page."""
