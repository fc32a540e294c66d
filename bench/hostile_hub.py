"""A Hub whose answers are hostile: hostile_hub.py PORT."""

import http.server
import sys

import hostile


def main():
    port = int(sys.argv[1])
    answers = {
        f"/api/models/{name}": (fields, body.encode())
        for name, _, fields, body in hostile.answers(f"http://127.0.0.1:{port}")
    }
    answers["/api/whoami-v2"] = ([], hostile.ACCOUNT.encode())
    file = bytes(hostile.DOWNLOAD_BYTES)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            is_file = self.path.startswith(hostile.DOWNLOAD_PATH)
            fields, body = ([], file) if is_file else answers.get(self.path, ([], b"{}"))
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream" if is_file else "application/json")
            self.send_header("Content-Length", str(len(body)))
            for name, value in fields:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 2 * hostile.DOWNLOADS

    Server(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main()
