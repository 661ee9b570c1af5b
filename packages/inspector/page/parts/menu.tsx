import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

/** A menu that closes on a click elsewhere, on Escape, and after a choice. */
export function Menu(props: { label: string; sign: ComponentChildren; children: ComponentChildren }) {
  const menu = useRef<HTMLDetailsElement>(null)
  useEffect(() => {
    const details = menu.current!
    const onPointerDown = (event: Event): void => {
      if (!details.contains(event.target as Node)) details.open = false
    }
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape' || !details.open) return
      event.preventDefault()
      event.stopPropagation()
      details.open = false
      details.querySelector('summary')?.focus()
    }
    const onFocusOut = (event: FocusEvent): void => {
      if (event.relatedTarget && !details.contains(event.relatedTarget as Node)) details.open = false
    }
    document.addEventListener('pointerdown', onPointerDown)
    details.addEventListener('focusout', onFocusOut)
    document.addEventListener('keydown', onKeyDown, true)
    return () => {
      document.removeEventListener('pointerdown', onPointerDown)
      details.removeEventListener('focusout', onFocusOut)
      document.removeEventListener('keydown', onKeyDown, true)
    }
  }, [])
  const close = (event: Event): void => {
    const chosen = (event.target as Element).closest('a, button, input[type=file]')
    if (chosen && menu.current) menu.current.open = false
  }
  return (
    <details class="menu" ref={menu}>
      <summary aria-label={props.label}>{props.sign}</summary>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the items inside are what is clicked */}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: Enter on an item is a click */}
      <div onClick={close} onChange={close}>
        {props.children}
      </div>
    </details>
  )
}
