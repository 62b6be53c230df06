import { useEffect, useState } from "preact/hooks";

const QUERY = "(min-width: 900px)";

/** Whether two columns have room beside each other. */
export function useIsWide(): boolean {
  const [isWide, setWide] = useState(() => matchMedia(QUERY).matches);
  useEffect(() => {
    const media = matchMedia(QUERY);
    const update = () => setWide(media.matches);
    media.addEventListener("change", update);
    return () => media.removeEventListener("change", update);
  }, []);
  return isWide;
}
