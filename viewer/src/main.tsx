import { render } from "preact";
import { resume } from "./api/session.ts";
import { App } from "./app.tsx";
import "./style.css";

const root = document.getElementById("app");
if (root) {
  render(<App />, root);
  void resume();
}
