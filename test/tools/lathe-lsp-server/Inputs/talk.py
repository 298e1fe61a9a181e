"""Talks to lathe-lsp-server: initialize, open a file with a mistake, shut down. Prints what it answers."""

import json
import subprocess

TEXT = """func.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = nn.relu %x : tensor<2x3xf32>
  %1 = nn.no_such_operation %0 : tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}
"""
URI = "test:///f.mlir"


def message(method, params, number=None):
    body = {"jsonrpc": "2.0", "method": method, "params": params} | ({"id": number} if number is not None else {})
    text = json.dumps(body)
    return f"Content-Length: {len(text)}\r\n\r\n{text}"


talk = [
    message("initialize", {"processId": 1, "rootPath": "/", "capabilities": {}, "trace": "off"}, 0),
    message("initialized", {}),
    message("textDocument/didOpen", {"textDocument": {"uri": URI, "languageId": "mlir", "version": 1, "text": TEXT}}),
    message("shutdown", None, 1),
    message("exit", None),
]
done = subprocess.run(["lathe-lsp-server"], input="".join(talk).encode(), capture_output=True, timeout=60)
answers, rest = [], done.stdout
while rest:
    header, _, rest = rest.partition(b"\r\n\r\n")
    size = int(header.split(b":")[1])
    answers.append(json.loads(rest[:size]))
    rest = rest[size:]
for answer in answers:
    if answer.get("id") == 0:
        print("server:", answer["result"]["serverInfo"]["name"], "hover:", answer["result"]["capabilities"]["hoverProvider"])
    elif answer.get("method") == "textDocument/publishDiagnostics":
        for diagnostic in answer["params"]["diagnostics"]:
            print("diagnostic:", diagnostic["message"].splitlines()[0])
print("exit code:", done.returncode)
