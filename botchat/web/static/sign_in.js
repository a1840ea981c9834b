"use strict";
// The checkbox is hidden without this script, which is what it needs.
const password = document.getElementById("password");
const show = document.getElementById("show");
show.parentElement.hidden = false;
show.addEventListener("change", () => { password.type = show.checked ? "text" : "password"; });
// A password that is sent as text could be kept by the browser as an ordinary entry.
password.form.addEventListener("submit", () => { password.type = "password"; });
