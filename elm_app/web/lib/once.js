// One thing at a time: what is to be done while another goes on is not begun.

export function oneAtATime() {
  let busy = false;
  return async (doing) => {
    if (busy) return undefined;
    busy = true;
    try {
      return await doing();
    } finally {
      busy = false;
    }
  };
}
