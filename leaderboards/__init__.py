"""Result files of lm-eval -> tables, tests, heat-maps, one HTML page. Imports no torch and no lm_eval."""
