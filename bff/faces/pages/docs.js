// Swagger UI over the app's own document. Nothing is fetched from anywhere but this listener.
const place = document.getElementById("docs");
const dark = matchMedia("(prefers-color-scheme: dark)");
const dress = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", dress);
dress();

SwaggerUIBundle({
  url: place.dataset.document,
  domNode: place,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  validatorUrl: null, // its default sends the document to a public service
  deepLinking: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  docExpansion: "list",
  supportedSubmitMethods: place.dataset.tried === "yes" ? ["get", "post"] : [],
  persistAuthorization: false, // a token does not outlive the tab
});
