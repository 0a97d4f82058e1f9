"""Methods compared on the same problems.

bench          runs the methods of `baselines/`, and ELM (`elm_method`) in its variants (`variants`)
folder         the results on disk, a line for every answer (`result_line`)
statistics     accuracy, tokens, paired differences and their intervals
report         report.json and report.md; `report_plots`
"""
