"""What `gan-style doctor` finds out: the installation, the machine, the weights and the speed."""
