const response = await fetch("api/visits", { method: "POST" });
const { visits } = await response.json();
document.getElementById("visits").textContent = visits === 1 ? "You are the first visitor." : `${visits} visits`;
