import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { FailureStep, StackFrame } from '../../../semantics/failure.js'
import { CopyButton } from './copy.js'
import { LongText } from './json-view.js'

interface ErrorBoxProps {
  readonly steps: readonly FailureStep[]
}

/** Why an event failed: the error, then what caused it, each with the frames that are its reader's. */
export function ErrorBox({ steps }: ErrorBoxProps): JSX.Element {
  return (
    <div class="error-box" role="note" aria-label="Error">
      <CopyButton text={() => toText(steps)} label="Copy the error" />
      {steps.map((step, index) => (
        <Step key={index} step={step} />
      ))}
    </div>
  )
}

function Step({ step }: { readonly step: FailureStep }): JSX.Element {
  const { relation, type, message, frames, codes } = step
  return (
    <section class="error-step">
      {relation !== null && <p class="dim">{relation}</p>}
      <p class="error-message">
        {type !== null && <b>{type}</b>} {type === null && relation === null && <b>Failed</b>} <LongText text={message} max={4000} />
      </p>
      {codes.length > 0 && <p class="mono error-codes">{codes.join('  ')}</p>}
      {frames.length > 0 && <Stack frames={frames} />}
    </section>
  )
}

/** Frames of the application; those of libraries are folded away, those of tracers left out until all are asked for. */
function Stack({ frames }: { readonly frames: readonly StackFrame[] }): JSX.Element {
  const [isWhole, setWhole] = useState(false)
  const own = frames.filter(({ owner }) => owner === 'application')
  // A stack without a line of the application still says where it broke.
  const shown = isWhole ? frames : own.length > 0 ? own : frames.filter(({ owner }) => owner !== 'tracer')
  const hidden = frames.length - shown.length
  return (
    <div class="stack">
      <ol>
        {shown.map((frame, index) => (
          <li key={index} class={`mono is-${frame.owner}`}>
            {frame.text}
          </li>
        ))}
      </ol>
      {(hidden > 0 || isWhole) && (
        <button type="button" class="text-button" aria-expanded={isWhole} onClick={() => setWhole(!isWhole)}>
          {isWhole ? 'Only frames of the application' : hidden === 1 ? '1 more frame of libraries' : `${hidden} more frames of libraries`}
        </button>
      )}
    </div>
  )
}

function toText(steps: readonly FailureStep[]): string {
  return steps
    .flatMap(({ relation, type, message, frames, codes }) => [
      `${relation === null ? '' : `${relation}: `}${type === null ? message : `${type}: ${message}`}`,
      ...codes.map((code) => `    ${code}`),
      ...frames.map(({ text }) => `    at ${text}`),
    ])
    .join('\n')
}
