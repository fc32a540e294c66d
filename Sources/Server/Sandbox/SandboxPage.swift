import Hub

extension Sandbox {
    static let largestPage = 1000

    /// The page that a call asks for, of answers in a stable order, and the link to the next one. `cursor` names the last
    /// answer of a page; those after it follow.
    func page<Element>(
        of all: [Element], for call: SandboxCall, size: Int = largestPage, cursor: (Element) -> String
    ) throws(SandboxRefusal) -> (elements: [Element], link: String?) {
        let query = call.query
        let limit = try Self.pageSize(query["limit"], largest: size)
        var rest = all[...]
        if let last = query["cursor"] {
            guard let found = all.firstIndex(where: { cursor($0) == last }) else {
                throw .badRequest("\"cursor\" is not one of ours")
            }
            rest = all[(found + 1)...]
        }
        let elements = Array(rest.prefix(limit))
        guard rest.count > limit, let last = elements.last else { return (elements, nil) }
        // The slash is encoded, so a gateway that decodes and encodes again is found out.
        let next = query.replacing("cursor", with: PercentEncoding.encode(segment: cursor(last)))
        return (elements, "<\(origin)\(call.request.target.path)?\(next)>; rel=\"next\"")
    }

    /// The page as an answer.
    func paged<Element>(
        _ all: [Element], for call: SandboxCall, size: Int = largestPage, cursor: (Element) -> String,
        json: (Element) -> JSON
    ) throws(SandboxRefusal) -> Response {
        let (elements, link) = try page(of: all, for: call, size: size, cursor: cursor)
        var response = Response(.ok, hub: .array(elements.map(json)))
        if let link { response.headers.set("Link", link) }
        return response
    }

    private static func pageSize(_ text: String?, largest: Int) throws(SandboxRefusal) -> Int {
        guard let text else { return largest }
        guard let number = Int(text), number > 0 else { throw .badRequest("\"limit\" must be a positive number") }
        return min(number, largest)
    }
}
