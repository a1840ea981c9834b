"""What both servers, the page's and the API's, need: sockets, proxies, origins, and limits for connections and sign-ins."""
