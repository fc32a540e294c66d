"""Writes down which operations of the client were called, by the names that its users know them by."""

names = []


def tried(name, function):
    def call(*arguments, **options):
        names.append(name)
        return function(*arguments, **options)

    return call


class Tried:
    """Stands before an object of the client whose methods are to be written down."""

    def __init__(self, subject, name=None):
        self.subject, self.name = subject, name or type(subject).__name__

    def __getattr__(self, name):
        value = getattr(self.subject, name)
        return tried(f"{self.name}.{name}", value) if callable(value) else value


def take():
    """Those since it was asked last."""
    taken = sorted(set(names))
    names.clear()
    return taken
