// Hands a file that the server has made for this page over to the browser, which saves it under a name.

/**
 * @param {string} file
 * @param {string} name
 */
export function download(file, name) {
  const link = document.createElement("a");
  const path = file.split("/").map(encodeURIComponent).join("/");
  link.href = new URL(`.${window.gradio_config?.api_prefix ?? "/gradio_api"}/file=${path}`, location.origin + location.pathname).href;
  link.download = name;
  link.click();
}
