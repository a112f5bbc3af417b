import type { ComponentType, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { ApiError } from '../model/api.js'
import { Failure, Loading } from './notice.js'

/**
 * A view whose code is loaded when it is first shown, because it brings along what no other view needs. `load` is the same function
 * each time.
 */
export function later<P extends object>(what: string, load: () => Promise<ComponentType<P>>): (props: P) => JSX.Element {
  let loaded: ComponentType<P> | undefined
  return function Later(props: P): JSX.Element {
    const [View, setView] = useState<ComponentType<P> | undefined>(() => loaded)
    const [hasFailed, setFailed] = useState(false)
    useEffect(() => {
      if (View !== undefined) return
      load().then(
        (view) => {
          loaded = view
          setView(() => view)
        },
        () => setFailed(true),
      )
    }, [])
    if (View !== undefined) return <View {...props} />
    // The server may have been started anew from another build, whose files have other names.
    if (hasFailed)
      return <Failure error={new ApiError(location.pathname, 0, 'The view could not be loaded.')} onRetry={() => location.reload()} />
    return <Loading what={what} />
  }
}
