from authlib.jose import JsonWebKey, JsonWebToken
from service import ALG, AUDIENCE, ISSUER, keys_with, serve

decoder = JsonWebToken([ALG])
options = {
    "iss": {"essential": True, "value": ISSUER},
    "aud": {"essential": True, "value": AUDIENCE},
    "exp": {"essential": True},
}


def key_of(header, _payload):
    kid = header.get("kid")
    return JsonWebKey.import_key_set(keys_with(kid)).find_by_kid(kid)


def claims_of(token):
    claims = decoder.decode(token, key_of, claims_options=options)
    claims.validate()
    return claims


serve(claims_of)
