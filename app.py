"""Launches the web page: `python app.py`, then open the address it prints.

Address and port are GRADIO_SERVER_NAME (default 127.0.0.1) and GRADIO_SERVER_PORT (default: the first free from 7860).
"""

from argparse import ArgumentParser, RawDescriptionHelpFormatter

from elm_app.web.launch import launch

if __name__ == "__main__":
    ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter).parse_args()
    launch()
