/** A report as people read it: the verdict, then each step with what was checked and what it means. */
import { oneLine } from "../ui/text.ts";
import type { Report, Step } from "./steps.ts";

const SYMBOLS = { ok: "✓", failed: "✗", skipped: "–" } as const;
const WORDS = { ok: "Holds", failed: "Failed", skipped: "Not checked" } as const;

export function ReportView({ report }: { readonly report: Report }) {
  return (
    <div class="report" data-verdict={report.verdict}>
      <p class="verdict">{report.summary}</p>
      <ol class="steps">
        {report.steps.map((step) => (
          <StepView key={`${step.id} ${report.steps.indexOf(step)}`} step={step} />
        ))}
      </ol>
    </div>
  );
}

function StepView({ step }: { readonly step: Step }) {
  return (
    <li data-step={step.id} data-outcome={step.outcome}>
      <span class="outcome" aria-hidden="true">
        {SYMBOLS[step.outcome]}
      </span>
      <div>
        <strong>
          {step.title}
          <span class="hidden">: {WORDS[step.outcome]}</span>
        </strong>
        <p>{oneLine(step.meaning, 600)}</p>
        <details open={step.outcome === "failed"}>
          <summary>What was checked</summary>
          <p>{step.checked}</p>
          <dl>
            {step.details.map(({ label, value }) => (
              <div key={label}>
                <dt>{label}</dt>
                <dd>
                  <bdi>{oneLine(value)}</bdi>
                </dd>
              </div>
            ))}
          </dl>
        </details>
      </div>
    </li>
  );
}
