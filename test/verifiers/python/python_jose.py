from jose import jwt
from service import ALG, AUDIENCE, ISSUER, keys_with, serve


def claims_of(token):
    keys = keys_with(jwt.get_unverified_header(token).get("kid"))
    return jwt.decode(token, keys, algorithms=[ALG], audience=AUDIENCE, issuer=ISSUER)


serve(claims_of)
