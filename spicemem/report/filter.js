"use strict";
const form = document.getElementById("filter");
const cards = [...document.querySelectorAll(".card")];
const texts = cards.map((card) => card.textContent.toLowerCase());
const apply = () => {
  const words = form.words.value.toLowerCase().split(/\s+/).filter(Boolean);
  const state = form.state.value;
  let count = 0;
  cards.forEach((card, k) => {
    const wanted = state === "" || card.dataset.state === state || (state === "old" && card.dataset.old === "yes");
    card.hidden = !(wanted && words.every((word) => texts[k].includes(word)));
    count += card.hidden ? 0 : 1;
  });
  document.querySelectorAll("section.theme").forEach((section) => {
    section.hidden = !section.querySelector(".card:not([hidden])");
  });
  document.getElementById("count").textContent = `${count} shown`;
};
form.hidden = false;
form.addEventListener("input", apply);
form.addEventListener("submit", (event) => event.preventDefault());
apply();
