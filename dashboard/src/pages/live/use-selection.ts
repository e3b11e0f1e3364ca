// What is open and what is selected. The open decision lives in the address, so a copied link opens the same sheet;
// the alert selected by keyboard holds its list still until Esc or a click elsewhere.
import { useCallback, useEffect, useState } from 'react';
import type { Alert } from '../../api/wire';

const PARAMETER = 'decision';

function fromAddress(): string | null {
  return new URLSearchParams(window.location.search).get(PARAMETER);
}

export function useOpenDecision(): [string | null, (decisionId: string | null) => void] {
  const [open, setOpen] = useState(fromAddress);
  const change = useCallback((decisionId: string | null) => {
    const address = new URL(window.location.href);
    if (decisionId === null) address.searchParams.delete(PARAMETER);
    else address.searchParams.set(PARAMETER, decisionId);
    window.history.replaceState(null, '', address);
    setOpen(decisionId);
  }, []);
  return [open, change];
}

export interface Selection {
  selectedId: string | null;
  byKeyboard: boolean;
  select: (alertId: string | null, byKeyboard: boolean) => void;
}

export function useSelection(): Selection {
  const [{ selectedId, byKeyboard }, set] = useState<{ selectedId: string | null; byKeyboard: boolean }>({
    selectedId: null,
    byKeyboard: false,
  });
  const select = useCallback(
    (alertId: string | null, keyboard: boolean) => set({ selectedId: alertId, byKeyboard: keyboard }),
    [],
  );
  useEffect(() => {
    if (!byKeyboard) return;
    const pressed = (event: PointerEvent) => {
      const inside = event.target instanceof Element && event.target.closest('.alert-list, dialog');
      if (!inside) set({ selectedId: null, byKeyboard: false });
    };
    window.addEventListener('pointerdown', pressed);
    return () => window.removeEventListener('pointerdown', pressed);
  }, [byKeyboard]);
  return { selectedId, byKeyboard, select };
}

/** Puts the focus on the alert selected by keyboard, once the list stands still and therefore draws it. */
export function useFocusOnSelection(selection: Selection, drawn: boolean): void {
  const { selectedId, byKeyboard } = selection;
  useEffect(() => {
    if (!byKeyboard || !drawn || selectedId === null) return;
    document.querySelector<HTMLElement>(`[data-alert="${CSS.escape(selectedId)}"]`)?.focus();
  }, [selectedId, byKeyboard, drawn]);
}

/** The alert one step from the selected one; the first when none is selected. */
export function neighbour(rows: readonly Alert[], selectedId: string | null, by: 1 | -1): Alert | undefined {
  const from = rows.findIndex((row) => row.alert_id === selectedId);
  return rows[from === -1 ? 0 : Math.min(rows.length - 1, Math.max(0, from + by))];
}
