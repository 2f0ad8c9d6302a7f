"""The screens before anybody is signed in."""
