// A page that answers a form cannot be gone back to: its browser would have to send the form again, and says that it
// cannot. So the page takes the address at which it is opened, and whoever goes back opens it anew.
history.replaceState(null, "", document.body.dataset.address || location.href);
