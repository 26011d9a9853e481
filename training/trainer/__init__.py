"""What the trainings with TRL share: arguments, folder, resuming after a kill, saving of weights, card."""
