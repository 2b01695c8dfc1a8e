"""For all tests: how hypothesis tries examples."""

from hypothesis import settings

# How long an example takes is the machine's business and no property of what is tested.
settings.register_profile("house", deadline=None)
settings.load_profile("house")
