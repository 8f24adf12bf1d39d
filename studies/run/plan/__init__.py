"""Fleet plans for users: reading their part of a study, solving them, and writing down what follows."""
