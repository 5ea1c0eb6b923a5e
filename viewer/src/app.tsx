export function App() {
  return <h1>Chancery</h1>;
}
