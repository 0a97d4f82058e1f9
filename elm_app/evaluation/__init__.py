"""Methods compared on the same problems.

bench          runs the methods of `baselines/`, and ELM (`elm_method`) in its variants (`variants`)
folder         the results on disk, a line for every answer (`answering`)
statistics     accuracy, tokens, paired differences and their intervals
cluster/       the same by several workers, with Ray
report         report.json and report.md; `report_plots`
"""
