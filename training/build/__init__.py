"""From attributions to verified explanations: training rows in the words of the evaluation."""
