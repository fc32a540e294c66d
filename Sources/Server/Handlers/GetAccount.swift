internal import Hub

/// GET /api/account: the Hub's whoami, held for some seconds.
struct GetAccount: Responder {
    private static let headers: Headers = [
        "Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
    ]

    let account: AccountHold

    func responseAtHand(to request: Request, _ context: RequestContext) throws(Failure) -> Response? {
        try account.atHand(context).map(Self.response)
    }

    func respond(to request: Request, _ context: RequestContext) async throws(Failure) -> Response {
        Self.response(try await account.whoAmI(context))
    }

    private static func response(_ json: [UInt8]) -> Response {
        Response(.ok, headers: headers, body: json)
    }
}
