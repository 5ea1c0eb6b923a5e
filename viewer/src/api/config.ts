/** What the page needs to know of its deployment: `config.json`, next to the page. */
export interface Config {
  readonly issuer: string;
  readonly clientId: string;
  readonly scope: string;
  readonly roleClaim: string;
  readonly tenantsClaim: string;
  /** Base of the API's paths, relative to the page: `../v1`. */
  readonly apiUrl: string;
  readonly liveUrl: string;
}

let loaded: Promise<Config> | undefined;

/** The configuration, loaded once. Rejects where it cannot be loaded. */
export function config(): Promise<Config> {
  loaded ??= fetch("config.json").then((answer) => {
    if (!answer.ok) throw new Error(`config.json: ${answer.status}`);
    return answer.json() as Promise<Config>;
  });
  return loaded;
}
