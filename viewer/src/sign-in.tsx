/** The page of those who are not signed in. */
import { signIn, signInProblem } from "./api/session.ts";

export function SignInPage() {
  const problem = signInProblem.value;
  const begin = () => {
    signIn().catch(() => {
      signInProblem.value = "The sign-in service could not be reached. Check the connection, then try again.";
    });
  };
  return (
    <main class="sign-in" id="main">
      <span class="mark">
        <i aria-hidden="true">C</i>Chancery
      </span>
      <h1>Sign in to read records</h1>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <button type="button" class="primary" onClick={begin}>
        Sign in
      </button>
      <a href="#/verify">Verify a file without signing in</a>
    </main>
  );
}
