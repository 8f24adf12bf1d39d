"""`python -m dawndusk` is the `dawndusk` command."""

from dawndusk.studies.cli.main import main

if __name__ == "__main__":
    main()
