"""The command `gan-style`: one dataclass a command, thin functions over the rooms."""
