"""Colours, fonts, and what `launch` is given so that the page asks nobody but its own server for anything."""

from __future__ import annotations

from typing import Any

import gradio as gr

from elm_app.web.files import ASSETS, style

MOST_UPLOADED = 512 << 20
"""Bytes of a file that the server takes, such as an archive of memories; larger ones are for the command line."""
SESSIONS = 100
"""Loaded pages of which Gradio keeps what it knows, some 170 KiB each; of older ones it knows what a fresh one begins
with, which is all that ours need. Its own default is 10,000."""
FALLBACK = ("system-ui", "sans-serif")


def theme() -> gr.themes.Base:
    """Quiet paper and ink. IBM Plex comes with Gradio; of its weights only these two have every letter."""
    made = gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_sm,
        font=(gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), *FALLBACK),
        font_mono=(gr.themes.LocalFont("IBM Plex Mono", weights=(400, 700)), "ui-monospace", "monospace"),
    )
    return made.set(
        body_background_fill="#faf9f6",
        body_background_fill_dark="#111317",
        body_text_color="#17191d",
        body_text_color_dark="#eceae5",
        body_text_color_subdued="#5a5f69",
        body_text_color_subdued_dark="#a3a8b3",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        block_border_width_dark="0px",
        block_shadow="none",
        block_padding="0px",
        block_label_text_color="*body_text_color_subdued",
        block_title_text_color="*body_text_color_subdued",
        block_title_text_size="0.8125rem",
        block_info_text_color="*body_text_color_subdued",
        input_background_fill="#ffffff",
        input_background_fill_dark="#181b21",
        input_border_color="#b9b5ac",
        input_border_color_dark="#4a505c",
        input_border_color_focus="#0f6b66",
        input_border_color_focus_dark="#63c7bb",
        input_border_width="1px",
        input_placeholder_color="#6b7079",
        input_placeholder_color_dark="#9097a3",
        input_shadow="none",
        input_shadow_focus="none",
        button_large_radius="4px",
        button_small_radius="4px",
        button_primary_background_fill="#17191d",
        button_primary_background_fill_hover="#33373e",
        button_primary_text_color="#ffffff",
        button_primary_background_fill_dark="#eceae5",
        button_primary_background_fill_hover_dark="#ffffff",
        button_primary_text_color_dark="#111317",
        button_secondary_background_fill="transparent",
        button_secondary_background_fill_dark="transparent",
        button_secondary_background_fill_hover="#efece5",
        button_secondary_background_fill_hover_dark="#20242c",
        button_secondary_text_color="*body_text_color",
        button_secondary_text_color_dark="*body_text_color",
        button_secondary_border_color="#b9b5ac",
        button_secondary_border_color_dark="#4a505c",
        button_primary_border_color="*button_primary_background_fill",
        button_primary_border_color_dark="*button_primary_background_fill",
        button_primary_border_color_hover="*button_primary_background_fill_hover",
        button_primary_border_color_hover_dark="*button_primary_background_fill_hover",
        button_border_width="1px",
        button_transition="none",
        layout_gap="12px",
        form_gap_width="12px",
    )


def launch_options(mcp: bool = False, readonly: bool = False) -> dict[str, Any]:
    """Keyword arguments for `Blocks.launch`; address and port are left to Gradio and its environment variables."""
    return {
        "theme": theme(),
        "head": f"<style>{style()}</style>",
        "favicon_path": ASSETS / "icon.png",
        "footer_links": [],
        "run_history": False,
        "share": False,
        "ssr_mode": False,
        "pwa": False,
        "enable_monitoring": False,
        "mcp_server": mcp,
        "state_session_capacity": SESSIONS,
        "max_file_size": 0 if readonly else MOST_UPLOADED,
    }
