"""What a programme of satellites takes: launches, money, energy, debris, and the same compute on the ground."""
