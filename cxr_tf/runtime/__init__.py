"""What every long-running command needs: errors, whole files, locks, signals, progress.

Nothing here knows of films, networks or the method.
"""
