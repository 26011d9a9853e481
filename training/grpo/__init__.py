"""Reinforcement learning with TRL's own trainer: the evaluation's procedure is the reward."""
