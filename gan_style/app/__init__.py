"""The page in the browser, `gan-style app`. Only `tabs`, `page` and `server` know Gradio."""
