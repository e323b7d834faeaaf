import jwt
from service import ALG, AUDIENCE, ISSUER, JWKS, serve

keys = jwt.PyJWKClient(JWKS)


def claims_of(token):
    key = keys.get_signing_key_from_jwt(token).key
    return jwt.decode(token, key, algorithms=[ALG], audience=AUDIENCE, issuer=ISSUER)


serve(claims_of)
